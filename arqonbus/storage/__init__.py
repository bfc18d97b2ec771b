"""Storage: what outlives a delivery. One seam (`history`) and its implementations; memory is the default."""
