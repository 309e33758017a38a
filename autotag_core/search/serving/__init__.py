"""The service of search: GIPHY's public API over Elasticsearch, and a slash command of Slack."""
