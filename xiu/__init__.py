"""The `xiu` command. Stands above every other package: it may import them all, and none of them imports it."""
