"""The local stack: a real Kafka and a real PostgreSQL as child processes, from wheels and Maven artifacts only."""
