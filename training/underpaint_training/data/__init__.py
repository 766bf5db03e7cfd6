"""Pictures with captions, sources and licences, rebuilt from package registries."""
