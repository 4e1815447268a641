// What OpenAI's client throws of some work, as it can be printed; null: nothing.
export async function errorOf(work) {
  try {
    await work();
    return null;
  } catch (e) {
    return { name: e.constructor.name, status: e.status ?? null, code: e.code ?? null, message: e.message };
  }
}
