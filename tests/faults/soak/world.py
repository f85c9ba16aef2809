"""What all actors of a run share: the store, what is known of its people and orders, and the history."""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from tests.faults.client import Person, Shop
from tests.faults.soak.history import History, Operation, Send
from tests.faults.system import System

T = TypeVar("T")


class GaveUp(Exception):
    """A page or a message on the way did not come in time; nothing was asked for yet that could take effect."""


@dataclass
class World:
    """Safe for threads by `lock`."""

    system: System
    shop: Shop
    history: History
    seed: int
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    people: list[Person] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    # Members who are going to be deleted.
    leaving: list[str] = field(default_factory=list)
    unpaid: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    # Ids of two items of the price list.
    items: list[str] = field(default_factory=list)
    given_up: int = 0
    # Of all browsers, each of which has cookies of its own: what they ask may be asked again at the end.
    transport: httpx.HTTPTransport = field(default_factory=lambda: httpx.HTTPTransport(trust_env=False))

    def some(self, dice: random.Random, things: list[T], count: int = 1) -> list[T]:
        """That many of them, or none when there are not so many yet."""
        with self.lock:
            return dice.sample(things[-500:], count) if len(things) >= count else []

    def take(self, dice: random.Random, things: list[T]) -> T | None:
        """One of them, which nobody else takes."""
        with self.lock:
            return things.pop(dice.randrange(len(things))) if things else None


@dataclass
class Actor(ABC):
    """Somebody who does one thing after another. `pause`: seconds between two, on average."""

    world: World
    name: str
    pause: float

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.world.seed}-{self.name}")
        self._operations = 0

    def run(self) -> None:
        """Until told to stop."""
        while not self.world.stop.wait(self.dice.uniform(0, 2 * self.pause)):
            try:
                self.step()
            except GaveUp:
                with self.world.lock:
                    self.world.given_up += 1

    @abstractmethod
    def step(self) -> None:
        """One thing."""

    def new_tag(self) -> str:
        """What the next operation is called, in this run and no other."""
        self._operations += 1
        return f"{self.name}-{self._operations}-{self.world.seed}"

    def ask(self, flow: str, key: str, send: Send, *, effect: str = "", tag: str = "", size: int = 1) -> Operation:
        """Asks as patiently as the dice say, and has it written down."""
        operation = Operation(flow, self.name, key, effect, tag, send, size)
        return self.world.history.ask(operation, self.dice, self.world.stop)

    def post(
        self,
        flow: str,
        path: str,
        body: object,
        *,
        effect: str = "",
        tag: str = "",
        size: int = 1,
        method: str = "POST",
    ) -> Operation:
        """A write of the REST API."""
        key = f"{self.new_tag()}-{tag}"[:200]
        api = self.world.shop.api
        return self.ask(flow, key, lambda: api.once(method, path, body, key=key), effect=effect, tag=tag, size=size)

    def get(self, flow: str, path: str) -> Operation:
        """A read of the REST API."""
        return self.ask(flow, "", lambda: self.world.shop.api.once("GET", path))


def given(operation: Operation) -> httpx.Response:
    """What was answered; raises GaveUp when nothing good was."""
    if operation.outcome != "ok" or operation.response is None:
        raise GaveUp
    return operation.response
