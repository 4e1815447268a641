System.Console.WriteLine("metarouter");
