"""The embedded model in plain PyTorch: what the Rust code is checked and timed against.

Letters in shapes: B pictures, R rows (B conditional, then B null when guided), T text tokens,
S memory slots, L context positions, D width of the generator, N heads, C latent channels,
V codes, K scales, p side of a scale's grid, G side of a pooled latent, H W pixels.
"""
