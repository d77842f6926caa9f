"""The relation chain: ties between users, how strong they are and why, and how they grow."""

from system.play.plays import Play
from system.play.ties.routes import ROUTES
from system.play.ties.tasks import COLLECTORS, TASKS

PLAY = Play("ties", "The relation chain. Scores in hundredths of a point.", ROUTES, COLLECTORS, TASKS)
