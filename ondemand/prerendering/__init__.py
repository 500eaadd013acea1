"""Prerendering: visit the app as a visitor would, follow its links, publish what is static."""
