"""The `xiu` command. Stands above every other package: it may import them all, and none of them imports it."""

from xiu import interrupted

interrupted.quiet()
