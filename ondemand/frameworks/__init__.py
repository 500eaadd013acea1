"""How each framework keeps its routes: one reader a framework, and nothing of them anywhere else."""
