using System.Globalization;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Tests.Crash;
using Microsoft.Extensions.Logging.Abstractions;

// A process of its own for what cannot be shown inside the test's: a second owner of a file, a sudden death, the memory of one user and of a million.
switch (args)
{
    case ["hold", var path]:
        await using (SqliteUserStore.Open(path))
        {
            Console.WriteLine("holding");
            Console.ReadLine();
        }

        return 0;

    case ["open", var path]:
        try
        {
            await using var store = SqliteUserStore.Open(path);
            Console.WriteLine("opened");
            return 0;
        }
        catch (StoreException e)
        {
            Console.WriteLine(e.Message);
            return 3;
        }

    case ["log", var path]:
        using (var metrics = new RouterMetrics())
        using (var log = new DecisionLog(path, 100, metrics, NullLogger<DecisionLog>.Instance))
        {
            await log.StartAsync(CancellationToken.None);
            log.Offer(default, new Feedback("", FeedbackKind.Thumb, 1));
            Console.WriteLine("logging");
            Console.ReadLine();
        }

        return 0;

    case ["feedback", var path]:
        await FeedbackUntilKilled.RunAsync(path);
        return 0;

    case ["memory", var path, var users, .. var words]:
        return await ManyUsers.RunAsync(path, int.Parse(users, CultureInfo.InvariantCulture), words is [var each] ? int.Parse(each, CultureInfo.InvariantCulture) : null);

    case ["each", var users, var signals]:
        await EachUser.RunAsync(int.Parse(users, CultureInfo.InvariantCulture), int.Parse(signals, CultureInfo.InvariantCulture));
        return 0;

    case ["throughput", var store, var seconds, var rate]:
        await Throughput.RunAsync(store, double.Parse(seconds, CultureInfo.InvariantCulture), double.Parse(rate, CultureInfo.InvariantCulture));
        return 0;

    default:
        Console.Error.WriteLine("hold PATH | open PATH | log PATH | feedback PATH | memory PATH USERS [WORDS] | each USERS SIGNALS | throughput PATH|redis:HOST:PORT SECONDS RATE");
        return 2;
}
