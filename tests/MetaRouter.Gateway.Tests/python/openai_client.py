# Talks to a gateway with the official client and prints what it saw as one line of JSON. BASE_URL is set before.
import asyncio
import json

import openai

client = openai.OpenAI(base_url=BASE_URL + "/v1", api_key="any", max_retries=0)
messages = [{"role": "user", "content": "hello"}]
seen = {"models": [m.id for m in client.models.list()]}

whole = client.chat.completions.with_raw_response.create(model="auto", safety_identifier="ann", messages=messages)
seen["whole"] = {"id": whole.parse().id, "model": whole.parse().model, "text": whole.parse().choices[0].message.content, "cost": whole.headers["x-router-cost-usd"]}

seen["stream"] = {"text": "", "tokens": 0}
for chunk in client.chat.completions.create(model="auto", safety_identifier="ann", messages=messages, stream=True, stream_options={"include_usage": True}):
    seen["stream"]["text"] += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    seen["stream"]["tokens"] = chunk.usage.completion_tokens if chunk.usage else seen["stream"]["tokens"]

response = client.responses.create(model="auto", input="hello", safety_identifier="ann")
seen["response"] = {"id": response.id, "text": response.output_text, "tokens": response.usage.output_tokens}
with client.responses.stream(model="auto", input="hello") as events:
    seen["events"] = [e.type for e in events if not e.type.endswith(".delta")]
    seen["events_text"] = events.get_final_response().output_text


def error_of(call):
    try:
        call()
    except openai.APIStatusError as e:
        return [type(e).__name__, e.status_code, e.code]


seen["not_found"] = error_of(lambda: client.chat.completions.create(model="gpt-9", messages=messages))
seen["bad_request"] = error_of(lambda: client.chat.completions.create(model="auto", messages="hello"))


async def at_once():
    async with openai.AsyncOpenAI(base_url=BASE_URL + "/v1", api_key="any", max_retries=0) as many:
        return len({c.id for c in await asyncio.gather(*[many.chat.completions.create(model="auto", user=f"u{i}", messages=messages) for i in range(20)])})


seen["at_once"] = asyncio.run(at_once())
print(json.dumps(seen))
