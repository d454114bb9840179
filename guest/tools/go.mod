module kame-tools

go 1.19
