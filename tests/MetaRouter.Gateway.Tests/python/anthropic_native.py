# Talks to a gateway, whose upstream speaks Anthropic's API itself, with the official client and prints what it saw as one line of JSON. BASE_URL is set before.
import json

import anthropic

client = anthropic.Anthropic(base_url=BASE_URL, api_key="any", max_retries=0)
asked = {
    "model": "auto",
    "max_tokens": 2048,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [{"role": "user", "content": "hello"}],
}


def told(message):
    usage = message.usage
    return {
        "id": message.id, "model": message.model, "stop": message.stop_reason, "signature": message.content[0].signature, "text": message.content[1].text,
        "usage": [usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens, usage.output_tokens],
    }


seen = {"whole": told(client.messages.create(**asked))}
with client.messages.stream(**asked) as stream:
    seen["events"] = [e.type for e in stream]
    seen["stream"] = told(stream.get_final_message())
seen["beta"] = told(client.beta.messages.create(**asked, betas=["context-1m-2025-08-07"]))
try:
    client.messages.create(**{**asked, "messages": [{"role": "user", "content": "refuse"}]})
except anthropic.APIStatusError as e:
    seen["refused"] = [type(e).__name__, e.body["error"]["message"]]
try:
    with client.messages.stream(**{**asked, "messages": [{"role": "user", "content": "fail"}]}) as stream:
        stream.get_final_message()
except anthropic.APIStatusError as e:
    seen["failed"] = [type(e).__name__, e.body["error"]["message"]]
print(json.dumps(seen))
