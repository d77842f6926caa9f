"""AA: one paid the bill, and asks the others for equal parts."""

from system.play.bill.routes import ROUTES
from system.play.plays import Play

PLAY = Play("bill", "A bill shared among friends: equal parts, each paid once.", ROUTES)
