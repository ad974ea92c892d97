"""Composition root and process: builds all objects, starts and stops the bot."""
