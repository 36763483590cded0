"""`python -m ibtui` is the command `ibtui`."""

from ibtui.import_path import leave_out_current_directory

if __name__ == "__main__":
    leave_out_current_directory()
    from ibtui.cli import main

    main()
