"""Live updates of yt-dlp: a newer release is checked, tried and used without a new Clipferry.

Nothing here is imported unless `[ytdlp] update` is on. What is decided is in
`core/ytdlp_releases.py` and `core/ytdlp_plan.py`, why in
docs/decisions/0043-live-updates-of-yt-dlp.md.
"""
