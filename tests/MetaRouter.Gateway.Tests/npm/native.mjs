// Talks to a gateway, whose upstream speaks Anthropic's API itself, with the official client and prints what it saw as one line of JSON. usage: node native.mjs BASE_URL
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: process.argv[2], apiKey: 'any', maxRetries: 0 });
const asked = {
  model: 'auto',
  max_tokens: 2048,
  thinking: { type: 'enabled', budget_tokens: 1024 },
  system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'hello' }],
};
const told = ({ id, model, stop_reason, content, usage: u }) => ({
  id, model, stop: stop_reason, signature: content[0].signature, text: content[1].text, usage: [u.input_tokens, u.cache_creation_input_tokens, u.cache_read_input_tokens, u.output_tokens],
});
const seen = {};

seen.whole = told(await client.messages.create(asked));
seen.events = [];
const stream = client.messages.stream(asked).on('streamEvent', e => seen.events.push(e.type));
seen.stream = told(await stream.finalMessage());
seen.beta = told(await client.beta.messages.create({ ...asked, betas: ['context-1m-2025-08-07'] }));
for (const [name, content, work] of [['refused', 'refuse', m => client.messages.create(m)], ['failed', 'fail', m => client.messages.stream(m).finalMessage()]]) {
  try {
    await work({ ...asked, messages: [{ role: 'user', content }] });
  } catch (e) {
    seen[name] = [e.constructor.name, e.error?.error?.message ?? e.message];
  }
}

console.log(JSON.stringify(seen));
