"""Cases of products that a GPU has kernels of nnc's own for: every edge of a tile, in every order of the operands'
axes. A family of its own, since the values are many."""
from cases import BATCH, case, spread

for m, k, n in [(33, 300, 7), (1, 300, 33), (130, 257, 1), (16, 512, 16), (33, 130, 32), (7, 1000, 18),
                # In parts, whose sums another phase adds up.
                (6, 2100, 9)]:
    lhs, rhs = spread((m, k), -1, 1), spread((k, n), -1, 1, seed=1)
    for tl in (False, True):
        for tr in (False, True):
            flags = ("transpose_lhs = true " if tl else "") + ("transpose_rhs = true" if tr else "")
            case("products", "matmul", [lhs.T.copy() if tl else lhs, rhs.T.copy() if tr else rhs],
                 lambda a, b: (a.T if tl else a) @ (b.T if tr else b), flags.strip(), gradient=False, narrow=True)
# As many rows as samples; as many products.
case("products", "matmul", [spread((BATCH, 700), -1, 1), spread((700, 20), -1, 1, seed=1)], lambda a, b: a @ b,
     gradient=False, dynamic=(0,), narrow=True)
case("products", "matmul", [spread((BATCH, 17, 260), -1, 1), spread((BATCH, 260, 9), -1, 1, seed=1)],
     lambda a, b: a @ b, gradient=False, dynamic=(0, 1), narrow=True)
