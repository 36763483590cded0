"""The information bottleneck: the bound that no layer crosses, and which of its points a layer is nearest to."""
