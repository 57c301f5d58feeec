"""Kafka in one shape: batches in, explicit commits after the database, dead letters with their reason; pipelined sends out."""

from shared.kafka.consumer import Broker as Broker
from shared.kafka.consumer import Consumer as Consumer
from shared.kafka.consumer import Handle as Handle
from shared.kafka.consumer import new_broker as new_broker
from shared.kafka.consumer import subscribe as subscribe
from shared.kafka.letters import DeadLetter as DeadLetter
from shared.kafka.letters import Record as Record
from shared.kafka.producer import TOO_LARGE as TOO_LARGE
from shared.kafka.producer import Message as Message
from shared.kafka.producer import Producer as Producer
from shared.kafka.retry import backoff_seconds as backoff_seconds
from shared.kafka.retry import keep_trying as keep_trying
