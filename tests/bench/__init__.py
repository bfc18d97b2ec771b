"""The benchmark: CPU time per delivery beside a bare write in the same run, and memory per idle connection."""
