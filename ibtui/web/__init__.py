"""A session in a browser: one page that needs no server and no network."""
