"""The report on a night: what a published run did, as one page. Read from the tables, without a JVM."""
