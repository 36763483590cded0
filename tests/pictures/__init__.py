"""The pictures in the READMEs: screens of the app itself, drawn from the cells that a terminal would be sent."""
