"""The system under test: a red-packet draw whose wins become money exactly once.

Fronts draw. A losing tap is answered from memory; a winning one is written to the win log and answered once that write
is on the disk. Credit workers turn the win log into postings, each batch in one transaction. Control owns what must
exist once: rounds, seeds, leases, epochs, switches, the clock. Play is the users' side of what follows: wallets,
shares, cards, ties, the event page. The audit closes the books over all of it.

A tap has ten steps, and the code counts them:

1.  Parse: bytes become a request (`front/protocol.py`).
2.  Token, tag, lane: who taps, and whether it is live or stress traffic (`front/admission.py`, `front/desk.py`).
3.  A known round of that lane, a user of this front (`front/draw.py`, as the next six).
4.  Who has won already, or is about to, gets the same answer again.
5.  The round's window, on control's clock: its start belongs to it, its end does not.
6.  The limiter: so many taps a second from one user (`front/limiter.py`).
7.  The gate: the next packet leaves at its planned time, not earlier (`front/gate.py`).
8.  The loser: a ready-made answer, no input or output.
9.  The winner: the next packet of the front's lease, its amount, an append to the win log (`front/rounds.py`).
10. The answer: *won* once the append is on the disk, *pending* where that takes too long.
"""
