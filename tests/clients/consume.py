"""Reads the public topics from the beginning, as any consumer of Avro from Kafka does.

python3 consume.py <brokers> <address of the server> <events to wait for> <topic> [<topic> ...]

Prints each record, repeats included, as one JSON object a line: where it was read, its key, name
and bytes, and what the deserializer made of it. Ends when so many events that differ in stream and
seq were read and nothing follows.
"""

import base64
import datetime
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE_S = 60
EPOCH = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)


def plain(value):
    """What JSON has no form for: bytes in base64, times in milliseconds since the epoch."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(milliseconds=1)
    raise TypeError(type(value))


def partitions(consumer, topics):
    for topic in topics:
        told = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic]
        for partition in told.partitions:
            yield TopicPartition(topic, partition, OFFSET_BEGINNING)


def main():
    brokers, server, wanted, *topics = sys.argv[1:]
    registry = SchemaRegistryClient({"url": f"http://{server}"})
    deserialize = AvroDeserializer(registry)
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "analysts",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    })
    places = list(partitions(consumer, topics))
    consumer.assign(places)
    ended, seen = set(), set()
    while len(seen) < int(wanted) or len(ended) < len(places):
        message = consumer.poll(PATIENCE_S)
        if message is None:
            raise TimeoutError(f"{len(seen)} of {wanted} events")
        place = message.topic(), message.partition()
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                raise RuntimeError(message.error())
            ended.add(place)
            continue
        ended.discard(place)
        context = SerializationContext(message.topic(), MessageField.VALUE, message.headers())
        event = deserialize(message.value(), context)
        seen.add((event["meta"]["stream_id"], event["meta"]["seq"]))
        record = {
            "topic": message.topic(),
            "partition": message.partition(),
            "key": message.key().decode(),
            "headers": {name: value.decode() for name, value in message.headers()},
            "bytes": message.value(),
            "event": event,
        }
        print(json.dumps(record, default=plain))
    consumer.close()


main()
