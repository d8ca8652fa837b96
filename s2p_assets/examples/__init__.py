"""Shelves of three other companies, on with `S2P_SHELVES=s2p_assets.examples`. Nothing here is shared.

Their files stay where they are: `S2P_SHARE` points at the folder that holds all three.
"""
