# Talks to a gateway with the official client and prints what it saw as one line of JSON. BASE_URL is set before.
import json

import anthropic

client = anthropic.Anthropic(base_url=BASE_URL, api_key="any", max_retries=0)
messages = [{"role": "user", "content": "hello"}]
whole = client.messages.create(model="auto", max_tokens=100, messages=messages, metadata={"user_id": "ann"})
seen = {"whole": {"id": whole.id, "model": whole.model, "text": whole.content[0].text, "stop": whole.stop_reason, "tokens": whole.usage.output_tokens}}
with client.messages.stream(model="auto", max_tokens=100, messages=messages) as stream:
    seen["texts"] = list(stream.text_stream)
    final = stream.get_final_message()
    seen["stream"] = {"stop": final.stop_reason, "tokens": final.usage.output_tokens}
seen["counted"] = client.messages.count_tokens(model="auto", messages=messages).input_tokens
seen["models"] = [m.id for m in client.models.list()]
try:
    client.messages.create(model="claude-9", max_tokens=5, messages=messages)
except anthropic.APIStatusError as e:
    seen["not_found"] = [type(e).__name__, e.status_code]
print(json.dumps(seen))
