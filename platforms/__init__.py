"""The sources: one public file per site. The only room that knows yt-dlp."""
