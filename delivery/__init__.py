"""The post office: how media reaches Telegram."""
