// Talks to a gateway with Anthropic's official client and prints what it saw as one line of JSON. usage: node messages.mjs BASE_URL
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: process.argv[2], apiKey: 'any', maxRetries: 0 });
const max_tokens = 100;
const messages = [{ role: 'user', content: 'hello' }];
const tools = [{ name: 'weather', description: 'The weather of a city.', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }];
const seen = {};

seen.counted = await client.messages.countTokens({ model: 'auto', system: 'Be brief.', tools, messages });

const whole = await client.messages.create({ model: 'auto', max_tokens, system: 'Be brief.', metadata: { user_id: 'ann' }, stop_sequences: ['END'], temperature: 0.5, messages });
seen.whole = { id: whole.id, type: whole.type, role: whole.role, model: whole.model, content: whole.content, stop: whole.stop_reason, usage: whole.usage };

const streamed = client.messages.stream({ model: 'auto', max_tokens, messages });
seen.texts = [];
streamed.on('text', text => seen.texts.push(text));
const final = await streamed.finalMessage();
seen.stream = { id: final.id, model: final.model, content: final.content, stop: final.stop_reason, usage: final.usage };

const called = await client.messages.stream({ model: 'auto', max_tokens, tools, tool_choice: { type: 'tool', name: 'weather' }, messages: [{ role: 'user', content: 'tools' }] }).finalMessage();
seen.tool = { content: called.content, stop: called.stop_reason };

const answered = await client.messages.create({
  model: 'auto', max_tokens, tools,
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Which weather has this place?' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }] },
    { role: 'assistant', content: [{ type: 'text', text: 'I look.' }, { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: 'rain' }] }, { type: 'text', text: 'So?' }] },
  ],
});
seen.answered = answered.content[0].text;

seen.parsed = (await client.messages.parse({ model: 'auto', max_tokens, messages: [{ role: 'user', content: 'json' }], output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'], additionalProperties: false } } } })).parsed_output;

// It asks first for a conversation that the server keeps.
const run = await client.beta.messages.toolRunner({ model: 'auto', max_tokens, stream: true, tools: [{ ...tools[0], parse: input => input, run: ({ city }) => `rain in ${city}` }], messages: [{ role: 'user', content: 'tools' }] });
seen.run = run.content[0].text;

async function errorOf(work) {
  try {
    await work();
    return null;
  } catch (e) {
    return { name: e.constructor.name, status: e.status ?? null, type: e.error?.error?.type ?? e.type ?? null, message: e.message };
  }
}

seen.notFound = await errorOf(() => client.messages.create({ model: 'gpt-9', max_tokens, messages }));
seen.unsupported = await errorOf(() => client.messages.create({ model: 'auto', max_tokens, top_k: 3, messages }));
seen.brokeOff = await errorOf(() => client.messages.stream({ model: 'auto', max_tokens, messages: [{ role: 'user', content: 'break' }] }).finalMessage());

const left = await client.messages.create({ model: 'auto', max_tokens, stream: true, messages: [{ role: 'user', content: 'endless' }] });
for await (const event of left) {
  if (event.type === 'content_block_delta') {
    seen.left = event.delta.text;
    break; // the client closes the connection
  }
}

console.log(JSON.stringify(seen));
