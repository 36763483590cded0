"""`python -m ibtui` is the command `ibtui`."""

from ibtui.cli import main

if __name__ == "__main__":
    main()
