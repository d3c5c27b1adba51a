"""A voice agent with a body: what a language model writes is spoken, and moves a character.

python examples/voice_agent.py --vmc 127.0.0.1:39539 --page 8318
"""

import argparse
import asyncio

from synthetic_voice import RATE, Loudspeaker, language_model, text_to_speech

from llavataros.live.performer import Performer
from llavataros.live.performing import perform_here


async def answer(body: Performer, question: str) -> None:
    loudspeaker = Loudspeaker()
    body.begin_utterance()
    async for sound, words in text_to_speech(language_model(question), question):
        body.say(words)
        body.hear(sound, RATE)
        loudspeaker.play(sound)
    body.end_utterance()
    await loudspeaker.ended()


async def talk(body: Performer) -> None:
    await answer(body, "hello")
    speaking = asyncio.create_task(answer(body, "more"))
    await asyncio.sleep(3.0)  # the user says something meanwhile …
    speaking.cancel()
    body.interrupt()  # … and is listened to
    await asyncio.sleep(1.5)
    await answer(body, "again")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Talk with a body.")
    parser.add_argument("--vmc", default="127.0.0.1:39539", metavar="HOST:PORT")
    parser.add_argument("--page", type=int, default=8318, metavar="PORT")
    given = parser.parse_args()
    with perform_here(vmc=[given.vmc], page=given.page) as body:
        print(f"to VMC at {given.vmc}, and at {body.page_url}", flush=True)
        asyncio.run(talk(body))
