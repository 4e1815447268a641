// Asks a gateway with the official clients for what its headers say in the bodies, too, and prints what it saw as one line of JSON. usage: node details.mjs ORIGIN
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const given = { apiKey: 'any', maxRetries: 0, defaultHeaders: { 'x-router-details': 'true' } };
const openai = new OpenAI({ ...given, baseURL: process.argv[2] + '/v1' });
const anthropic = new Anthropic({ ...given, baseURL: process.argv[2] });
const messages = [{ role: 'user', content: 'hello' }];
const seen = {};

const whole = await openai.chat.completions.create({ model: 'auto', user: 'ann', messages });
seen.whole = { id: whole.id, router: whole.router, text: whole.choices[0].message.content };

for (const [name, options] of [['counted', { stream_options: { include_usage: true } }], ['plain', {}]]) {
  const chunks = [];
  for await (const chunk of await openai.chat.completions.create({ model: 'auto', user: 'ann', messages, stream: true, ...options })) {
    chunks.push(chunk);
  }
  const told = chunks.filter(c => c.router);
  seen[name] = { id: chunks[0].id, chunks: chunks.length, told: told.length, router: chunks.at(-1).router, usage: chunks.at(-1).usage ?? null, text: chunks.map(c => c.choices[0]?.delta?.content ?? '').join('') };
}

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
const helper = await openai.chat.completions.stream({ model: 'auto', messages: [{ role: 'user', content: 'tools' }], tools }).finalChatCompletion();
seen.helper = helper.choices[0].message.tool_calls[0].function.arguments;

const response = await openai.responses.create({ model: 'auto', user: 'ann', input: 'hello' });
seen.response = { id: response.id, router: response.router, text: response.output_text };
const events = openai.responses.stream({ model: 'auto', user: 'ann', input: 'hello' });
for await (const event of events) {
  if (event.type === 'response.completed') {
    seen.responseStream = { id: event.response.id, router: event.response.router, text: event.response.output.flatMap(o => o.content ?? []).map(c => c.text).join('') };
  }
}

for (const [name, model] of [['native', 'router-metarouter-0'], ['translated', 'router-metarouter-1']]) {
  const message = await anthropic.messages.create({ model, max_tokens: 100, metadata: { user_id: 'ann' }, messages });
  seen[name] = { id: message.id, router: message.router, text: message.content.at(-1).text };
  const of = {};
  const stream = anthropic.messages.stream({ model, max_tokens: 100, metadata: { user_id: 'ann' }, messages }).on('streamEvent', e => { of.router = e.router ?? of.router; of.last = e.type; });
  const final = await stream.finalMessage();
  seen[name + 'Stream'] = { id: final.id, router: of.router, last: of.last, text: final.content.at(-1).text };
}

console.log(JSON.stringify(seen));
