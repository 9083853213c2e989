"""Commands of `xbec` by topic, thin over the platform: arguments in, tables out. `cli` puts them together."""
