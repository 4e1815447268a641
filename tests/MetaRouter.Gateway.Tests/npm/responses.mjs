// Talks to a gateway's Responses with OpenAI's official client and prints what it saw as one line of JSON. usage: node responses.mjs BASE_URL
import OpenAI from 'openai';
import { errorOf } from './errors.mjs';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'any', maxRetries: 0 });
const model = 'auto';
const tools = [{ type: 'function', name: 'weather', description: 'The weather of a city.', strict: true, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } }];
const seen = {};

seen.counted = await client.responses.inputTokens.count({ model, instructions: 'Be brief.', tools, input: 'hello' });

const whole = await client.responses.create({ model, instructions: 'Be brief.', user: 'ann', metadata: { a: 'b' }, temperature: 0.5, max_output_tokens: 100, input: 'hello' });
seen.whole = { ...whole };

const streamed = client.responses.stream({ model, input: [{ role: 'user', content: 'hello' }] });
seen.deltas = [];
seen.events = [];
streamed.on('event', event => seen.events.push({ type: event.type, number: event.sequence_number }));
streamed.on('response.output_text.delta', event => seen.deltas.push(event.delta));
seen.stream = { ...(await streamed.finalResponse()) };

const asked = [{ role: 'user', content: [{ type: 'input_text', text: 'tools' }] }];
const called = await client.responses.stream({ model, tools, tool_choice: { type: 'function', name: 'weather' }, input: asked }).finalResponse();
seen.tool = called.output[0];
const answered = await client.responses.create({ model, tools, input: [...asked, ...called.output, { type: 'function_call_output', call_id: called.output[0].call_id, output: 'rain' }] });
seen.answered = answered.output_text;

seen.parsed = (await client.responses.parse({ model, input: 'json', text: { format: { type: 'json_schema', name: 'sum', strict: true, schema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'], additionalProperties: false } } } })).output_parsed;

seen.notFound = await errorOf(() => client.responses.create({ model: 'gpt-9', input: 'hello' }));
seen.unsupported = await errorOf(() => client.responses.create({ model, input: 'hello', previous_response_id: whole.id }));
seen.notKept = await errorOf(() => client.responses.retrieve(whole.id));
seen.brokeOff = await errorOf(() => client.responses.stream({ model, input: 'break' }).finalResponse());

for await (const event of await client.responses.create({ model, stream: true, input: 'endless' })) {
  if (event.type === 'response.output_text.delta') {
    seen.left = event.delta;
    break; // the client closes the connection
  }
}

console.log(JSON.stringify(seen));
