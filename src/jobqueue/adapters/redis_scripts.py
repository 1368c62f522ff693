"""The Lua files and how they are called: by digest. Only a server that doesn't have a script yet gets its source."""

import hashlib
from importlib import resources
from typing import Any, Final

import redis.exceptions

from jobqueue.adapters.redis_errors import translated

Client = Any  # redis.asyncio.Redis or RedisCluster: redis-py types their replies as unions that no caller can use


class Script:
    """One move, as a script of the server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = resources.files("jobqueue.adapters").joinpath("lua", f"{name}.lua").read_text("utf-8")
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, client: Client, keys: tuple[str, ...], *args: Any) -> Any:
        """Run the script on the server that holds the keys, and return its reply.

        Raises:
            StoreError: As `redis_errors.translate`.
        """
        with translated:
            try:
                return await client.evalsha(self.sha, len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:  # a server that was restarted, or failed over to
                return await client.eval(self.text, len(keys), *keys, *args)


submit: Final = Script("submit")
acknowledge_and_claim: Final = Script("acknowledge_and_claim")
settle_failed: Final = Script("settle_failed")
give_back: Final = Script("give_back")
renew: Final = Script("renew")
promote: Final = Script("promote")
due_retries: Final = Script("due_retries")
admit_retries: Final = Script("admit_retries")
cancel: Final = Script("cancel")
redrive: Final = Script("redrive")
trim: Final = Script("trim")
find: Final = Script("find")
stats: Final = Script("stats")
