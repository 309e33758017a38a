"""The tagger as a server: Open Inference Protocol V2 over REST and gRPC, and a page for uploaders."""
