"""What `arqonbus top` shows: read by `collector`, compared by `rates`, laid out by `view`, drawn by `screen`."""
