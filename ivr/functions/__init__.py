"""The site's own Python functions (`scripts/NAME.py`), run in processes of ours: what hangs or crashes there hurts no
call but its own."""
