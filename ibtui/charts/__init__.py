"""Charts in the terminal: plain data in, a grid of coloured cells out, for commands and for the app alike.

`chart` draws any chart, `heat_drawing` a map, `information_plane` makes the ones of the plane. `canvas` is the one
module that knows plotext, and it imports it when the first chart is drawn.
"""
