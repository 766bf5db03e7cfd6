"""Training of the embedded model: from package registries to the folder that the app loads.

The networks are those of `underpaint_reference`; what is here makes pictures, batches, losses
and files. Letters in shapes: B pictures, S memory slots, C latent channels, g side of the latent
grid, p side of a scale's grid, K scales, T text tokens, D width, V codes, N entries, H W pixels.
"""
