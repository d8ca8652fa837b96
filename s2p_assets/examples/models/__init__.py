"""The example companies' models and the contests between them."""
