"""`python -m s2p_assets.cli`, as the script `s2p`."""

from s2p_assets.cli.app import main

main()
