"""`xbec doctor`: readers that write nothing gather facts once, pure checks judge them, told in plain words."""
