"""The plays beside the draw, played after a round by its own winners and their friends, over HTTP against play.

`script` decides by seed who does what; `asking` sends an order until its answer is definite; `stories` are what people
do, step by step; `operating` is an operator's part: season, budgets, sums. All orders are safe to repeat.
"""
