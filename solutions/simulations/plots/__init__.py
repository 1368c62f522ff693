"""What lessons and notebooks draw with matplotlib: pictures, and figures that a reader can change.

`python -m solutions.simulations.plots FOLDER` writes one JSON file for each; the site puts them into its pages.
"""
