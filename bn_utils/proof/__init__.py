"""What a proof is made of: expressions, their TeX, their polynomials and their numbers.

`bn_utils.texmath` reads an equation, `bn_utils.symbolic` proves it, `bn_utils.ledger` checks it
in three ways; the parts that they are made of are here.
"""
