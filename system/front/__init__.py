"""The front: taps in, answers out. Its hot path is compiled where the set-up built it (`system.contract.compiled`)."""

from system.contract.compiled import use

use()
